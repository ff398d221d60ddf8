"""Values that fit a JSON Schema.

Reads what tools and structured answers use: https://json-schema.org/draft/2020-12. ``$ref`` within the document, the
combinators, ``if``, and all keywords of objects, arrays, numbers and strings but ``not`` (checked, not aimed at),
``patternProperties``, ``propertyNames``, ``dependentSchemas`` and ``unevaluated…``. A pattern is written, not checked:
running a stranger's regular expression could take for ever.
"""
