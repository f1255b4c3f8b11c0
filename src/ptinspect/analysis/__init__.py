"""Numbers: statistics, histograms and health of tensors, read in a stream."""
