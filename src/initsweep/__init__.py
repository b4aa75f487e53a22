"""initsweep: which initializer and which learning rate, for this network on this data."""
