"""What ``benchmarks.fuzz`` is made of: mutations of files, and the judges of what preparation makes of them."""
