@main struct EditorCommand { static func main() {} }
