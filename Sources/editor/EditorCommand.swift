internal import ArgumentParser
internal import Editing

/// The program: parses, calls `Editing`, prints, and turns failures into exit codes.
@main
struct EditorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "editor",
        abstract: "Edit pictures with a latent-diffusion model on your own machine.",
        discussion: """
            For example:
              editor inpaint photo.png mask.png "a bench"  repaint what is masked
              editor outpaint --right 256                  extend the last result
              editor remix art.jpg "an oil painting"       rework a picture

            Exit codes: 0 done, 64 wrong usage, 65 bad data, 66 no input, 69 model missing or unusable, 70 a fault of this program, 73 output cannot be created, 74 reading or writing failed, 130 interrupted.
            """,
        version: "editor \(Release.version)",
        groupedSubcommands: [
            CommandGroup(
                name: "Edit:",
                subcommands: [
                    InpaintCommand.self, OutpaintCommand.self, RemixCommand.self, VariationsCommand.self,
                    GenerateCommand.self, EraseCommand.self, RequestCommand.self,
                ]),
            CommandGroup(name: "Prepare:", subcommands: [MaskCommand.self, ModelsCommand.self]),
            CommandGroup(
                name: "Look:",
                subcommands: [InfoCommand.self, DoctorCommand.self, BenchCommand.self, ManualCommand.self]),
        ])

    static func main() {
        MemoryShortage.install()
        Interruption.install()
        let words = ArgumentWords.given
        // Words that are wrong make no command that could tell.
        Failure.isReportedAsJSON = ArgumentWords.askForJSON(words)
        do {
            do {
                var command = try parseAsRoot(ArgumentWords.withEmptyValues(words))
                Failure.isReportedAsJSON = (command as? any ReportsAsJSON)?.reportsAsJSON ?? false
                try command.run()
            } catch  where exitCode(for: error) == .success {
                // Letters of a file's name can be read as an option that asks for help.
                if let explanation = ArgumentWords.explanation(of: "", words) { throw ValidationError(explanation) }
                // Help, the version or a completion script.
                try Console.writeOutput(fullMessage(for: error))
            }
        } catch StreamError.closed {
            // As for `head`, which has read enough.
        } catch {
            Interruption.beginEnd()
            let failure = Failure(error, words: words)
            failure.report()
            exit(withError: ExitCode(failure.code))
        }
    }
}
