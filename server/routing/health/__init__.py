"""What routing has learned of providers, models and credentials from the calls that went through. Nothing calls to see.

Every class here is told the time and holds no clock, so that a test can run a day in a millisecond.
"""
