"""`diagnose` for other people's networks: what is wrong, whose fault it is, and what helps."""
