"""Operations on images and anomaly maps."""
