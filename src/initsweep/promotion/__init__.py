"""What a team has decided, and how a new study compares with it."""
