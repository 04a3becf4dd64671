"""An order, and terms in a file."""
# options: --extend-select AW104

import asyncio
import time
from pathlib import Path

import asyncwatch

Path("terms.txt").write_text("of ORDER")

# PAGE

asyncio.run(charge(1))
