"""The review packet: tables and figures of a finished study as one page for people."""
