// Puts a line of words above each table that is wider than its place.
function markWideTables() {
  document.querySelectorAll(".md-typeset__scrollwrap").forEach((wrap) => {
    const wide = wrap.scrollWidth > wrap.clientWidth + 1;
    wrap.classList.toggle("scrolls", wide);
    const before = wrap.previousElementSibling;
    const noted = before !== null && before.classList.contains("table-scrolls-note");
    if (wide && !noted) {
      const note = document.createElement("p");
      note.className = "table-scrolls-note";
      note.textContent = "This table scrolls to the side →";
      wrap.before(note);
    } else if (!wide && noted) {
      before.remove();
    }
  });
}
window.addEventListener("load", markWideTables);
window.addEventListener("resize", markWideTables);
