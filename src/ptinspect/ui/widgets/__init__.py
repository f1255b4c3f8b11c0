"""Small pieces that know no checkpoint."""
