"""Claims about initialization, one file each: statement, experiment, criterion, reading.

To add one, write a file here with a `CLAIM = Claim(...)`; the file's name is the claim's.
`initsweep claims` then takes it up by itself.
"""

from initclaims.laboratory.claim import CLAIMS, Claim, Judgement

__all__ = ["CLAIMS", "Claim", "Judgement"]
