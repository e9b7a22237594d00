"""What becomes of a run when the machine fails it: kills, full and read-only disks, damaged files, a wrong clock."""
