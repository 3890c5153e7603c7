/// An edit from request to saved pictures.
public struct EditJob: Sendable {
    public var request: EditRequest
    public var output: OutputChoice

    public init(request: EditRequest, output: OutputChoice) {
        self.request = request
        self.output = output
    }
}
