"""The application without a screen: what is open, what was done, what there is to see."""
