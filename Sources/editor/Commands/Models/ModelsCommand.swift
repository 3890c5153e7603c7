internal import ArgumentParser

/// `editor models`: the models on this machine, and others to be had.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List, fetch, check, convert and choose models.",
        discussion: """
            Models are found in this program's own folder (~/.local/share/editor/models), in the Hugging Face cache, and in the folders of modelFolders in ~/.config/editor/config.json, which may be the roots of ComfyUI or AUTOMATIC1111. What 'list' calls a model is what --model takes everywhere.

              editor models pull OWNER/NAME --variant fp16
              editor models default OWNER/NAME
            """,
        subcommands: [
            ModelsListCommand.self, ModelsInfoCommand.self, ModelsPullCommand.self, ModelsConvertCommand.self,
            ModelsVerifyCommand.self, ModelsRemoveCommand.self, ModelsDefaultCommand.self,
        ])
}
