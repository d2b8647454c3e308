"""Names of the ways to attribute an answer to its inputs."""

METHODS = ("integrated_gradients", "occlusion")
