"""The methods, one file each. Each knows its formula and its source, and none knows another."""
