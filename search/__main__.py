"""`python -m search` is the command `search`."""

import sys

from search.entry import main

sys.exit(main())
