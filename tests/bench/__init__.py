"""What things cost, measured in one run so that the ratios hold on any machine."""
