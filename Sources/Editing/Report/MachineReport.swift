/// What this machine can do.
public struct MachineReport: Sendable {
    public let text: String
    public let json: JSONObject
    public init(model: ModelChoice, observe: () throws -> Void) throws {
        text = ""
        json = JSONObject([])
    }
}
