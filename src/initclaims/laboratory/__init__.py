"""Where claims are put to the test: the bench, the measurements, the pictures, the results."""
