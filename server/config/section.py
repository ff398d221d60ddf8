"""What every section of the settings is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=2_000_000, allow_inf_nan=False)]
"""gRPC counts milliseconds in 32 bits: 23 days are the most."""


class Section(BaseModel):
    """Frozen, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
