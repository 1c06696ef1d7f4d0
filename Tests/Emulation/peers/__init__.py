"""Whom an emulated chip meets in the air: controllers that we did not write, and small hosts for them."""
