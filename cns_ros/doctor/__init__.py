"""What ``cns doctor`` looks at: installation, machine, files, camera and robot."""
