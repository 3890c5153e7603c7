import Foundation

extension Editor {
    /// Runs a shell in the folder, with `$EDITOR_PROGRAM` set to the program.
    func shell(_ script: String) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = folder
        var environment = ProcessInfo.processInfo.environment
        environment["XDG_CACHE_HOME"] = folder.appending(path: ".cache").path()
        environment["XDG_CONFIG_HOME"] = folder.appending(path: ".config").path()
        environment["HF_HUB_CACHE"] = folder.appending(path: ".hub").path()
        environment.merge(self.environment) { $1 }
        environment["EDITOR_PROGRAM"] = Self.program.path()
        process.environment = environment
        let (output, error) = (Pipe(), Pipe())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = error
        try process.run()
        return Self.outcome(of: process, output, error)
    }

    func data(_ name: String) -> Data? { try? Data(contentsOf: folder.appending(path: name)) }
}
