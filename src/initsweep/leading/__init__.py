"""Leads a run: starts DVC, draws how far it is, passes signals on, and outlives nothing it began.

`leader` does it, `display` is what people see, `pace` how long the rest takes, `folder_lock` lets
one leader at a time into a folder, and `dvc_words` knows what DVC's lines mean.
"""
