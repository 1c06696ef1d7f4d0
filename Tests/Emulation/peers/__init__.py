"""Whom an emulated chip meets in the air: controllers that we did not write, one of our own, and small hosts for them."""
