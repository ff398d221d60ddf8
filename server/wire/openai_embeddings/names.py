"""The format's names of fields, and its hosts', as they tell them of a request that they refuse."""

from types import MappingProxyType

from server.wire.field_names import Names

NAMES: Names = MappingProxyType({
    # Places are those of the part that was sent; whoever cut it knows whose they are.
    "input[]": "inputs[]",
    "input": "inputs",
    "inputs[]": "inputs[]",
    "texts[]": "inputs[]",
    "encoding_format": "encoding",
    "output_dtype": "encoding",
    "output_encoding": "encoding",
    "embedding_type": "encoding",
    "output_dimension": "dimensions",
    "input_type": "task",
    "task_type": "task",
    "truncation": "truncate",
    "truncate_prompt_tokens": "truncate",
})  # fmt: skip
