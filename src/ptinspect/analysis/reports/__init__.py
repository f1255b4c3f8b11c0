"""A comparison written down: as JSON, as Markdown, as one page of HTML. The command line prints them, the window saves them."""
