"""The page of all claims: judges what was measured, draws it, writes HTML and Markdown."""
