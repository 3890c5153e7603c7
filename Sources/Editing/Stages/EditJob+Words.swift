internal import Diffusion
internal import PlainText

extension EditJob {
    /// The job with what the model reads for its prompts, and what they ask for beside words.
    func withoutNotation() -> (job: EditJob, tags: [PromptNotation.LoRATag], notes: [EditNote]) {
        let prompt = PromptNotation(request.prompt)
        let negative = PromptNotation(request.negativePrompt, isNegative: true)
        var job = self
        job.request.prompt = prompt.text
        job.request.negativePrompt = negative.text
        let notes = (prompt.warnings + negative.warnings).map { EditNote($0, isWarning: true) }
        return (job, prompt.loras, notes)
    }

    /// The files of LoRAs that a prompt calls by name; a warning for each that is not found, as AUTOMATIC1111 has it.
    static func files(
        of tags: [PromptNotation.LoRATag], in library: LoRALibrary
    ) -> (loras: [LoRAChoice], notes: [EditNote]) {
        var loras: [LoRAChoice] = []
        var notes: [EditNote] = []
        for tag in tags {
            let found = library.files(named: tag.name)
            if let path = found.first {
                loras.append(LoRAChoice(path: path, weight: tag.weight, textWeight: tag.textWeight))
                notes.append(EditNote("lora: '\(tag.name.prefix(80))' of the prompt is \(path)"))
                if found.count > 1 {
                    let others = found.dropFirst().prefix(5).joined(separator: ", ")
                    let more = found.count > 6 ? " and \(found.count - 6) more" : ""
                    notes.append(
                        EditNote(
                            "lora: \(found.count) files are called '\(tag.name.prefix(80))'; \(path) is taken, not \(others)\(more). Name its folder too (<lora:folder/name:weight>), or the file with \(.lora)",
                            isWarning: true))
                }
                continue
            }
            let places =
                library.folders.isEmpty
                ? ", and no folder to look in" : " in \(library.folders.joined(separator: ", "))"
            notes.append(
                EditNote(
                    "lora: there is no LoRA '\(tag.name.prefix(80))'\(places); it is left out. Name its file with \(.lora), or add its folder to modelFolders in config.json",
                    isWarning: true))
        }
        return (loras, notes)
    }
}
