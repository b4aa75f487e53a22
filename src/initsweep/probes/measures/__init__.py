"""One file per probe: a layer's signals in, one number out."""
