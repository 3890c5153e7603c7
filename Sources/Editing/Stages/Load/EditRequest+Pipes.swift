public import ImageFiles

extension EditRequest {
    /// The request with the bytes of pipes in the place of their paths: they come once, and an edit may look twice.
    ///
    /// - Throws: `ImageFileError` for a pipe that cannot be read, or gives more than the request's pixels can take.
    public func withPipesRead() throws(ImageFileError) -> EditRequest {
        let limit = settings.maximumPixels
        var result = self
        if let picture { result.picture = try PictureFile.held(picture, maximumPixels: limit) }
        for index in masks.indices { result.masks[index] = try masks[index].held(maximumPixels: limit) }
        for index in protected.indices { result.protected[index] = try protected[index].held(maximumPixels: limit) }
        return result
    }
}

extension MaskSource {
    /// The same with the bytes of a pipe in the place of its path.
    func held(maximumPixels: Int) throws(ImageFileError) -> MaskSource {
        guard case .picture(let input) = self else { return self }
        return .picture(try PictureFile.held(input, maximumPixels: maximumPixels))
    }
}
