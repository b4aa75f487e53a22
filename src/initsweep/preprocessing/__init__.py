"""From raw columns to what a network is given: plain numbers, fitted on training rows."""
