"""What initializers and networks promise, as checks that anyone can run on theirs."""
