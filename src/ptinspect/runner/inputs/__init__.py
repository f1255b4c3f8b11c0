"""What goes into the model: an input spec in words, a guess where none is given, and the batch that is made of them."""
