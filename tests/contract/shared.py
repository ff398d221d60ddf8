"""Where the providers' schemas and recorded traffic lie: beside the project, never in it."""

from pathlib import Path

SHARED = Path(__file__).parents[2].parent / "shared"
SPECS = SHARED / "specs"
WIRE = SHARED / "wire"
