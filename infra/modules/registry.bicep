// The container registry, and the connection by which the project finds it.

@description('Region of the registry.')
param location string
@description('Tags of all resources.')
param tags object
@description('Name of the registry: 5 to 50 letters and digits.')
@minLength(5)
@maxLength(50)
param registryName string
@description('Name of the Foundry account.')
param accountName string
@description('Name of its project.')
param projectName string

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' = {
  name: registryName
  location: location
  tags: tags
  sku: {
    name: 'Basic'
  }
  properties: {
    adminUserEnabled: false
    policies: {
      // Foundry pulls with a token for Azure Resource Manager.
      azureADAuthenticationAsArmPolicy: {
        status: 'enabled'
      }
    }
  }
}

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: accountName
}

resource project 'Microsoft.CognitiveServices/accounts/projects@2025-06-01' existing = {
  parent: account
  name: projectName
}

resource connection 'Microsoft.CognitiveServices/accounts/projects/connections@2025-06-01' = {
  parent: project
  name: '${registryName}-conn'
  properties: {
    category: 'ContainerRegistry'
    target: registry.properties.loginServer
    authType: 'ManagedIdentity'
    isSharedToAll: true
    metadata: {
      ApiType: 'Azure'
      ResourceId: registry.id
    }
  }
}

output registryName string = registry.name
output registryId string = registry.id
output loginServer string = registry.properties.loginServer
output connectionName string = connection.name
