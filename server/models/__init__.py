"""What models can do and what they cost.

The neutral form of what is known of a model is the contract's ``Model``: the data in this package, a provider's own
list and the operator's settings each make one, and the next over the last wins field by field.
"""
