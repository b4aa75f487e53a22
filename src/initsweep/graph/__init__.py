"""How a network's operations are read, and a copy of it is made to try things on.

Everything here leaves the network, and all that other threads of the process see, as it was.
"""
