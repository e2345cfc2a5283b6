"""Stand-ins for what live scans ask, served on loopback."""
