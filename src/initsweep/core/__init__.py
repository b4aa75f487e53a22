"""What every room stands on: parameters, records, files, errors, random streams, progress."""
