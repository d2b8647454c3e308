"""Tables, figures and pages from run directories; nothing is trained."""
