"""What a finished study says: to people at a terminal, to scripts, to a pull request, to CI."""
