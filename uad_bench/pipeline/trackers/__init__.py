"""Figures of a training for programs that draw them: TensorBoard, Weights & Biases, MLflow."""
