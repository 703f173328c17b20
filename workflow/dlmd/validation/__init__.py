"""What a potential must show before production: held-out errors, a committee, a trial run, and the acceptance.

In: a potential and the test set. Out: errors, and `accepted.json` or a refusal with all that failed.
"""
