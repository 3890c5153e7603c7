/// What a picture, a mask or a model folder is.
public struct FileReport: Sendable {
    public let text: String
    public let json: JSONObject
    public init(of input: PictureInput) throws {
        text = input.name
        json = JSONObject([("file", .text(input.name))])
    }
}
