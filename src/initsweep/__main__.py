"""`python -m initsweep` is `initsweep`."""

import sys

from initsweep.cli import main

sys.exit(main())
