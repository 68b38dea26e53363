"""U-Net of the DDPM++ family, for methods with and without a noise level."""
