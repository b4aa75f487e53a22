"""One module per stage of the pipeline: each reads files, calls the rooms, writes files."""
