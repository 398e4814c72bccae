"""Video files: properties, frames, thumbnails, exports."""
