"""Claims about initialization, one file each: statement, experiment, criterion, reading.

To add one, write a file here that calls `CLAIMS.add("its_name", Claim(...))`, the file's own name.
`initsweep claims` then takes it up by itself.
"""

from initclaims.laboratory.claim import CLAIMS, Answer, Claim, Effect, Judgement, depends_on

__all__ = ["CLAIMS", "Answer", "Claim", "Effect", "Judgement", "depends_on"]
